import { showPage } from "../design/shell.js";
import "./experiments.css";
import { Experiments } from "./page.js";

void showPage("Experiments", <Experiments />);
