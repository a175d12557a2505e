import { showPage } from "../design/shell.js";
import "./text.css";
import { Text } from "./page.js";

void showPage("Text", <Text />, { threads: true });
