import { showPage } from "../design/shell.js";
import "./text.css";
import { Text } from "./page.js";

showPage("Text", <Text />);
