package dev.spandrel.engine.grammar;

import java.math.BigDecimal;
import java.math.RoundingMode;
import tools.jackson.databind.JsonNode;

/** Numbers and their bounds. Bounds of decimals that are not whole are moved inwards to the next whole number. */
final class NumberSchema {
    private final SchemaReader reader;

    NumberSchema(SchemaReader reader) {
        this.reader = reader;
    }

    Expression integer(JsonNode schema, String place) {
        BigDecimal least = bound(schema, "minimum", place);
        BigDecimal above = bound(schema, "exclusiveMinimum", place);
        BigDecimal most = bound(schema, "maximum", place);
        BigDecimal below = bound(schema, "exclusiveMaximum", place);
        if (least == null && above == null && most == null && below == null) {
            return JsonGrammar.INTEGER;
        }
        long from = -NumberRanges.MOST;
        from = Math.max(from, least == null ? from : whole(least, RoundingMode.CEILING));
        from = Math.max(from, above == null ? from : whole(above, RoundingMode.FLOOR) + 1);
        long to = NumberRanges.MOST;
        to = Math.min(to, most == null ? to : whole(most, RoundingMode.FLOOR));
        to = Math.min(to, below == null ? to : whole(below, RoundingMode.CEILING) - 1);
        if (from > to) {
            throw reader.error(place, "no integer lies between the bounds");
        }
        return NumberRanges.whole(from, to);
    }

    Expression number(JsonNode schema, String place) {
        BigDecimal least = bound(schema, "minimum", place);
        BigDecimal above = bound(schema, "exclusiveMinimum", place);
        BigDecimal most = bound(schema, "maximum", place);
        BigDecimal below = bound(schema, "exclusiveMaximum", place);
        if (least == null && above == null && most == null && below == null) {
            return JsonGrammar.NUMBER;
        }
        // Fifteen digits before the point and fifteen behind it.
        long limit = 999_999_999_999_999L;
        BigDecimal low = above != null && (least == null || above.compareTo(least) >= 0) ? above : least;
        BigDecimal high = below != null && (most == null || below.compareTo(most) <= 0) ? below : most;
        long from = low == null ? -limit : Math.max(-limit, whole(low, RoundingMode.CEILING));
        long to = high == null ? limit : Math.min(limit, whole(high, RoundingMode.FLOOR));
        boolean fromIncluded = low == null || low != above || !isWhole(low);
        boolean toIncluded = high == null || high != below || !isWhole(high);
        if (from > to || from == to && !(fromIncluded && toIncluded)) {
            throw reader.error(
                    place, "the bounds of a number must leave room around a whole number, which they do not");
        }
        return NumberRanges.decimal(from, fromIncluded, to, toIncluded);
    }

    private static boolean isWhole(BigDecimal value) {
        return value.stripTrailingZeros().scale() <= 0;
    }

    private BigDecimal bound(JsonNode schema, String keyword, String place) {
        JsonNode value = schema.path(keyword);
        if (value.isMissingNode()) {
            return null;
        }
        if (!value.isNumber()) {
            throw reader.error(place, "`" + keyword + "` must be a number, found " + value);
        }
        BigDecimal bound = value.decimalValue();
        if (bound.precision() > 400 || Math.abs(bound.scale()) > 400) {
            throw reader.error(place, "`" + keyword + "` has too many digits");
        }
        return bound;
    }

    private static long whole(BigDecimal value, RoundingMode rounding) {
        BigDecimal limit = BigDecimal.valueOf(NumberRanges.MOST);
        return value.setScale(0, rounding).min(limit).max(limit.negate()).longValue();
    }
}
