import { showPage } from "../design/shell.js";
import "./digits.css";
import { Digits } from "./page.js";

showPage("Digits", <Digits />);
