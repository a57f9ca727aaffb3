import { feedSuite } from './feeds-suite.ts';

await feedSuite('upbit');
