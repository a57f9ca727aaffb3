/** Builds the web pages ahead of the first start, e.g. into an image: node --import tsx web/build.ts */
import { bundleGraphiql } from '../src/platform/http/graphiql.ts';

const { version, files } = await bundleGraphiql();
const bytes = [...files.values()].reduce((sum, content) => sum + content.length, 0);
process.stdout.write(`graphiql ${version}: ${files.size} files, ${Math.round(bytes / 1024)} kB gzipped\n`);
