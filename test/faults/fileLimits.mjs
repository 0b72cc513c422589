// Loaded before a program (`node --import`): a write beyond a limit on the size of files fails with EFBIG, as one on a full disk
// does with ENOSPC, instead of ending the program by SIGXFSZ.
process.on("SIGXFSZ", () => undefined);
