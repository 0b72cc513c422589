import { serveParent } from "./hostServer.js";

serveParent();
