import { defineCommand } from "citty";
import { ExitCodes } from "../exitCodes.js";
import { networkArgs } from "../input/args.js";
import { withClient } from "../input/client.js";
import { printJson, printTable } from "../output/print.js";

const verify = defineCommand({
  meta: { name: "verify", description: "Check that nobody owns the DAO: code, references, genesis and roles" },
  args: networkArgs,
  run: ({ args }) =>
    withClient(args, async (client) => {
      const checks = await client.verifyDeployment();
      if (!checks.every(({ ok }) => ok)) process.exitCode = ExitCodes.refused;
      if (args.json) return printJson(checks);
      printTable(
        checks.map(({ check, ok, found }) => ({ "": ok ? "ok" : "NOT SO", check, found })),
        "There is nothing to check.",
      );
    }),
});

export const dao = defineCommand({ meta: { name: "dao", description: "The DAO itself" }, subCommands: { verify } });
