import { createHash } from "node:crypto";
import { copyFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build, defineConfig, type Plugin } from "vite";

const OUT = "dist.new";

/** Build the service worker as one file of its own that knows every other one; its name stays, so it is asked about. */
async function worker(): Promise<void> {
  const entries = await readdir(OUT, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile() && entry.name !== "index.html").map((entry) => join(entry.parentPath, entry.name));
  const files = paths.map((path) => path.slice(OUT.length).replaceAll("\\", "/")).sort();
  const told = createHash("sha256").update(await readFile(join(OUT, "index.html")));
  for (const file of files) told.update(file).update(await readFile(join(OUT, file)));
  await build({
    configFile: false,
    publicDir: false,
    logLevel: "warn",
    define: { FILES: JSON.stringify(files), BUILD: JSON.stringify(told.digest("hex").slice(0, 16)) },
    build: {
      outDir: OUT,
      emptyOutDir: false,
      target: "es2022",
      rollupOptions: { input: "src/sw.ts", output: { format: "iife", entryFileNames: "sw.js" } },
    },
  });
}

/** Write each file beside itself as brotli and gzip, so that nobody compresses while somebody waits. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    async closeBundle() {
      await worker();
      await copyFile("pages.json", join(OUT, "pages.json"));
      for (const entry of await readdir(OUT, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || entry.name === "pages.json") continue;
        const path = join(entry.parentPath, entry.name);
        const plain = await readFile(path);
        const quality = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
        await writeFile(`${path}.br`, brotliCompressSync(plain, { params: quality }));
        await writeFile(`${path}.gz`, gzipSync(plain, { level: constants.Z_BEST_COMPRESSION }));
      }
    },
  };
}

export default defineConfig({
  plugins: [compressed()],
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the policy allows nothing inline
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "^/(registration|aid|notifications)/": "http://127.0.0.1:8000" } },
});
