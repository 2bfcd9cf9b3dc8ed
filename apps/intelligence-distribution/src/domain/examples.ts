/** A payload of each kind in proto3 JSON, for the catalogue. */

const ABOUT = {
  symbol: "BTC-USD",
  targetWorkflows: ["research", "risk-desk"],
  producedAt: "1767623400000000000",
  validUntil: "1767627000000000000",
};

export const EXAMPLES = {
  signal: {
    ...{ ...ABOUT, intelligenceId: "i-1042", qualityTier: "QUALITY_TIER_SILVER", confidence: "0.72", urgency: 4 },
    signal: { model: "trend-7", direction: "DIRECTION_UP", strength: "0.4", horizon: "600000000000" },
  },
  news: {
    ...{ ...ABOUT, intelligenceId: "i-1043", qualityTier: "QUALITY_TIER_GOLD", confidence: "0.95", urgency: 8 },
    news: {
      headline: "Exchange halts withdrawals of BTC-USD",
      publisher: "Market Wire",
      publishedAt: "1767623398500000000",
      language: "en",
    },
  },
  sentiment: {
    ...{ ...ABOUT, intelligenceId: "i-1044", qualityTier: "QUALITY_TIER_BRONZE", confidence: "0.4", urgency: 1 },
    sentiment: { score: "-0.35", mentions: 412, window: "300000000000" },
  },
  synthesis: {
    ...{ ...ABOUT, intelligenceId: "i-1045", qualityTier: "QUALITY_TIER_GOLD", confidence: "0.81", urgency: 7 },
    synthesis: {
      direction: "DIRECTION_DOWN",
      summary: "News and sentiment outweigh the trend.",
      intelligenceIds: ["i-1042", "i-1043", "i-1044"],
    },
  },
};
