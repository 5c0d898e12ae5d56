// Modules of the page for Node: TypeScript goes through the bundler that the page goes through.
import { build } from 'esbuild';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const source = path.join(path.dirname(fileURLToPath(import.meta.url)), '../src');

export async function load(name) {
  const result = await build({
    entryPoints: [path.join(source, name)],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
  });
  return import(`data:text/javascript;base64,${Buffer.from(result.outputFiles[0].contents).toString('base64')}`);
}
