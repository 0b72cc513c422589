/**
 * Ends a command whose output nobody reads any more, as `witan proposal list | head` does: quietly, since the reader has what it
 * wanted. Without this Node ends it with a stack trace. A message that standard error does not take is lost, and the command goes on.
 */
export function endWithReader({ exit, stderr, stdout }: Pick<NodeJS.Process, "exit" | "stderr" | "stdout">): void {
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") exit();
    throw error;
  });
  stderr.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}
