/** Typed operations for the tests and, as an example, for client developers: `npm run codegen`. */
import type { CodegenConfig } from '@graphql-codegen/cli';

const config: CodegenConfig = {
  schema: 'schema/schema.graphql',
  documents: 'test/operations/*.graphql',
  emitLegacyCommonJSImports: false,
  generates: {
    'test/generated/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        strictScalars: true,
        documentMode: 'string',
        scalars: {
          Cursor: 'string',
          Date: 'string',
          DateTime: 'string',
          Decimal: { input: 'string | number', output: 'string' },
          JSONObject: 'Record<string, unknown>',
        },
      },
    },
  },
};

export default config;
