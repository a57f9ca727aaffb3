/** The operations GraphiQL opens with: each answers with live data as soon as the feed runs. */

export interface Example {
  name: string;
  query: string;
  variables: Record<string, unknown>;
}

const BTC = { exchange: 'BINANCE', symbol: 'BTC-USDT' };

export const EXAMPLES: readonly Example[] = [
  {
    name: 'Markets',
    query: `# What there is: markets with their newest state.
# Ctrl-Enter runs it. The next tabs are live.
query Markets {
  markets(first: 20) {
    nodes {
      exchange
      symbol
      status
      ticker {
        last
        changePercent24h
        quoteVolume24h
        time
      }
      latestKline {
        openTime
        close
        isClosed
      }
    }
  }
}
`,
    variables: {},
  },
  {
    name: 'CandlesClosing',
    query: `# A one-minute candle as it forms;
# isClosed turns true when its minute is over.
subscription CandlesClosing($exchange: Exchange!, $symbol: String!) {
  klineUpdated(exchange: $exchange, symbol: $symbol, interval: M1) {
    sequence
    cursor
    kline {
      openTime
      open
      high
      low
      close
      volume
      isClosed
    }
  }
}
`,
    variables: BTC,
  },
  {
    name: 'TradesTicking',
    query: `# Every trade, once.
subscription TradesTicking($exchange: Exchange!, $symbol: String!) {
  tradeExecuted(exchange: $exchange, symbol: $symbol) {
    sequence
    trade {
      time
      side
      price
      quantity
    }
  }
}
`,
    variables: BTC,
  },
  {
    name: 'BookMoving',
    query: `# A snapshot of the book first, then its changes;
# a quantity of 0 removes a level.
subscription BookMoving($exchange: Exchange!, $symbol: String!) {
  orderBookUpdated(exchange: $exchange, symbol: $symbol, depth: 5) {
    sequence
    snapshot
    bids {
      price
      quantity
    }
    asks {
      price
      quantity
    }
    time
  }
}
`,
    variables: BTC,
  },
  {
    name: 'TickerMoving',
    query: `# Price and 24-hour figures.
subscription TickerMoving($exchange: Exchange!, $symbol: String!) {
  tickerUpdated(exchange: $exchange, symbol: $symbol) {
    sequence
    ticker {
      last
      changePercent24h
      volume24h
      time
    }
  }
}
`,
    variables: BTC,
  },
  {
    name: 'TopLosers',
    query: `# Which markets lost most in 24 hours; DESC shows the gainers.
# by: QUOTE_VOLUME and VOLATILITY rank them otherwise.
query TopLosers($by: RankingMetric!, $direction: SortDirection!) {
  ranking(by: $by, direction: $direction, first: 10) {
    rank
    market {
      exchange
      symbol
    }
    value
    price
    changePercent
    quoteVolume
    time
  }
}
`,
    variables: { by: 'CHANGE_PERCENT', direction: 'ASC' },
  },
  {
    name: 'RankingMoving',
    query: `# The ranking whenever it changes, at most once a second.
subscription RankingMoving($by: RankingMetric!) {
  rankingUpdated(by: $by, first: 5) {
    sequence
    entries {
      rank
      market {
        exchange
        symbol
      }
      value
      price
    }
  }
}
`,
    variables: { by: 'QUOTE_VOLUME' },
  },
  {
    name: 'SpreadsMoving',
    query: `# Buying here and selling there, after depth, fees and currency.
# matches turns false when a spread no longer passes the filter.
subscription SpreadsMoving($base: String!, $notional: Decimal!) {
  arbitrageSpreadUpdated(base: $base, notional: $notional) {
    matches
    spread {
      id
      grossPercent
      netPercent
      netProfit
      fxRate
      coinPremiumPercent
      notExecutable
      buy {
        price
        bookSequence
      }
      sell {
        price
        bookSequence
      }
    }
  }
}
`,
    variables: { base: 'BTC', notional: '1000' },
  },
  {
    name: 'MarketNow',
    query: `# One market now: its book, its last candles and trades,
# and the health of its feeds.
query MarketNow($exchange: Exchange!, $symbol: String!) {
  orderBook(exchange: $exchange, symbol: $symbol, depth: 5) {
    mid
    spreadBps
    imbalance
    vwap(side: BUY, quantity: "1")
    bids {
      price
      quantity
    }
    asks {
      price
      quantity
    }
  }
  klines(exchange: $exchange, symbol: $symbol, interval: M1, first: 10) {
    nodes {
      openTime
      close
      volume
      isClosed
      coverage
    }
    liveCursor
  }
  trades(exchange: $exchange, symbol: $symbol, first: 5) {
    nodes {
      time
      side
      price
      quantity
    }
  }
  feedHealth(exchange: $exchange) {
    symbol
    channel
    connected
    freshnessMs
    stale
  }
}
`,
    variables: BTC,
  },
  {
    name: 'PipelineRuns',
    query: `# The newest runs of the pipelines and attempts at their tasks.
query PipelineRuns {
  pipelineRuns(first: 20) {
    pipeline
    task
    status
    attempt
    startedAt
  }
}
`,
    variables: {},
  },
  {
    name: 'RunPipeline',
    query: `# Asks for a run of a pipeline, as an admin. While one is under way
# it is that one that is answered; PipelineRuns tells what became of it.
mutation RunPipeline($pipeline: String!) {
  runPipeline(pipeline: $pipeline) {
    runId
    pipeline
    status
    startedAt
  }
}
`,
    variables: { pipeline: 'data_quality' },
  },
];
