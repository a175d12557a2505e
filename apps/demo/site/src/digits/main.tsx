import { showPage } from "../design/shell.js";
import "./digits.css";
import { Digits } from "./page.js";

void showPage("Digits", <Digits />, { threads: true });
