/** What Upbit itself says of the last 24 hours, beside our own figures. */
import { fetchUpbitTickers } from '../bronze/upbit-tickers.ts';
import { goldTickerDaily } from '../gold/ticker-told.ts';
import { silverTicker24h } from '../silver/ticker-24h.ts';
import { chain, hourly, type Pipeline, USUAL } from './pipeline.ts';

export const upbit24hTicker: Pipeline = {
  ...{ name: 'upbit_24h_ticker', schedule: hourly(2), ...USUAL },
  unavailable: ({ MARKETS }) =>
    MARKETS.some(({ exchange }) => exchange === 'UPBIT') ? null : 'MARKETS names none of Upbit',
  steps: chain(fetchUpbitTickers, silverTicker24h, goldTickerDaily),
};
