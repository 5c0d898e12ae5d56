// Bundles the page into the sidecar's resources; with --check only compares, and fails on a difference.
import { build } from 'esbuild';
import { readFile, writeFile, mkdir } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const target = path.join(here, '../src/main/resources/dev/spandrel/sidecar/page');
const check = process.argv.includes('--check');

const result = await build({
  absWorkingDir: here,
  entryPoints: { app: 'src/main.tsx' },
  outdir: target,
  bundle: true,
  minify: true,
  write: false,
  format: 'esm',
  target: ['chrome111', 'firefox115', 'safari16.4'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  charset: 'utf8',
  legalComments: 'eof',
});
const files = result.outputFiles.map((file) => [path.basename(file.path), Buffer.from(file.contents)]);
for (const name of ['index.html', 'icon.svg']) {
  files.push([name, await readFile(path.join(here, 'src', name))]);
}

let compressed = 0;
const different = [];
await mkdir(target, { recursive: true });
for (const [name, contents] of files) {
  compressed += gzipSync(contents).length;
  const file = path.join(target, name);
  if (!check) {
    await writeFile(file, contents);
  } else if (!contents.equals(await readFile(file).catch(() => Buffer.alloc(0)))) {
    different.push(name);
  }
}
console.log(`${files.length} files, ${(compressed / 1000).toFixed(1)} kB compressed`);
if (different.length > 0) {
  console.error(`the committed bundle differs from its source: ${different.join(', ')}; run npm run build`);
  process.exit(1);
}
