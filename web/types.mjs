// The types of the API, from the frozen documents: a page that asks for what is not there any more does not build.
import { mkdir, writeFile } from "node:fs/promises";
import openapiTypescript, { astToString } from "openapi-typescript";

const documents = new URL("../docs/contracts/", import.meta.url);
const made = new URL("./src/generated/", import.meta.url);
await mkdir(made, { recursive: true });
for (const service of ["registration", "aid_distribution", "notifications"]) {
  const tree = await openapiTypescript(new URL(`openapi-${service}.json`, documents), { silent: true, defaultNonNullable: false });
  await writeFile(new URL(`${service}.d.ts`, made), astToString(tree));
}
