import { serveParent } from "./worker.js";

serveParent();
