import { useBackend } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { showPage } from "../design/shell.js";
import "./gallery.css";
import { Gallery } from "./page.js";

// In float64, so that second derivatives are smooth.
useBackend(reference());
void showPage("Gallery", <Gallery />);
