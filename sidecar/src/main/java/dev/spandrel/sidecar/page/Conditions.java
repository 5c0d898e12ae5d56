package dev.spandrel.sidecar.page;

import dev.spandrel.sidecar.page.TraceFilter.Condition;
import dev.spandrel.sidecar.span.SpanView;
import dev.spandrel.sidecar.span.SpanView.Attribute;
import java.util.Locale;
import java.util.function.DoublePredicate;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** What the terms of a filter may ask. */
final class Conditions {
    private Conditions() {}

    static Condition service(Predicate<String> text) {
        return onSpan(span -> text.test(span.service()));
    }

    static Condition name(Predicate<String> text) {
        return onSpan(span -> text.test(span.name()));
    }

    /** An attribute of a span or of its resource. */
    static Condition attribute(String key, Predicate<String> value) {
        return onSpan(span -> Stream.concat(span.attributes().stream(), span.resource().stream())
                .anyMatch(attribute -> attribute.key().equals(key) && value.test(attribute.value())));
    }

    static Condition duration(DoublePredicate millis) {
        return onLine(row -> millis.test(row.duration()));
    }

    static Condition kind(String kind) {
        return onLine(row -> row.kind().equals(kind));
    }

    static Condition trace(String prefix) {
        return onLine(row -> row.id().startsWith(prefix.toLowerCase(Locale.ROOT)));
    }

    /** {@code error}, {@code ok}, {@code unset}, or the HTTP status. */
    static Condition status(String status) {
        String wanted = status.toLowerCase(Locale.ROOT);
        return onLine(row -> row.status().equals(wanted) || wanted.equals(row.httpStatus()));
    }

    /** The text anywhere: service, name, attribute values of a span, or the beginning of the trace id. */
    static Condition anywhere(Predicate<String> text, String plain) {
        return new Condition() {
            @Override
            public boolean span(SpanView span) {
                return text.test(span.name())
                        || text.test(span.service())
                        || span.attributes().stream().map(Attribute::value).anyMatch(text);
            }

            @Override
            public boolean line(TraceRow row) {
                return row.id().startsWith(plain.toLowerCase(Locale.ROOT));
            }
        };
    }

    private static Condition onSpan(Predicate<SpanView> test) {
        return new Condition() {
            @Override
            public boolean span(SpanView span) {
                return test.test(span);
            }
        };
    }

    private static Condition onLine(Predicate<TraceRow> test) {
        return new Condition() {
            @Override
            public boolean ofLine() {
                return true;
            }

            @Override
            public boolean line(TraceRow row) {
                return test.test(row);
            }
        };
    }
}
