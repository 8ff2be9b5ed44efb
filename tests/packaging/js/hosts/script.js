// The same where a program has no top-level await.
import { program } from "./program.js";

program().then(console.log);
