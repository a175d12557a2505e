import { showPage } from "../design/shell.js";
import { Playground } from "./page.js";
import "./playground.css";

void showPage("Playground", <Playground />);
