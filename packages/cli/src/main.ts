#!/usr/bin/env node
/** The program `ermine`. */
import { ermine } from "./ermine.js";

// TensorFlow writes what nobody asked for while it is loaded. A variable that is set stays as it is.
process.env["ERMINE_MUTE_TENSORFLOW"] ??= "1";
process.exitCode = await ermine(process.argv.slice(2));
