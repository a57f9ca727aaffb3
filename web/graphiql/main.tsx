/** GraphiQL for /graphiql: bundled with everything it needs, so that it works offline. */
import './page.css';
import 'graphiql/style.css';
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';
import { EXAMPLES } from './examples.ts';
import { createFetcher } from './fetcher.ts';

/** The editor's language services; each worker is a bundle of its own beside this one. */
Object.assign(globalThis, {
  MonacoEnvironment: {
    getWorker(_id: string, label: string): Worker {
      const name = label === 'json' || label === 'graphql' ? label : 'editor';
      return new Worker(`/graphiql/${name}.worker.js`, { type: 'module', name: label });
    },
  },
});

const tabs = EXAMPLES.map(({ query, variables }) => ({
  query,
  variables: Object.keys(variables).length > 0 ? JSON.stringify(variables, null, 2) : null,
  headers: null,
}));

createRoot(document.getElementById('graphiql')!).render(
  <GraphiQL fetcher={createFetcher()} defaultTabs={tabs} defaultEditorToolsVisibility="variables" />,
);
