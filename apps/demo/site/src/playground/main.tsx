import { showPage } from "../design/shell.js";
import { Playground } from "./page.js";
import "./playground.css";

showPage("Playground", <Playground />);
