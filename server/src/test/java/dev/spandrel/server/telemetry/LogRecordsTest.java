package dev.spandrel.server.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.opentelemetry.api.logs.Severity;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import io.opentelemetry.sdk.logs.SdkLoggerProvider;
import io.opentelemetry.sdk.logs.data.LogRecordData;
import io.opentelemetry.sdk.logs.export.SimpleLogRecordProcessor;
import io.opentelemetry.sdk.testing.exporter.InMemoryLogRecordExporter;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is logged while a request is served names its span. */
class LogRecordsTest {
    private static final SpanContext REQUEST = SpanContext.create(
            "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", TraceFlags.getSampled(), TraceState.getDefault());

    private final InMemoryLogRecordExporter exported = InMemoryLogRecordExporter.create();
    private final LogRecords records = new LogRecords(SdkLoggerProvider.builder()
            .addLogRecordProcessor(SimpleLogRecordProcessor.create(exported))
            .build());
    private final Logger logger = Logger.getLogger("dev.spandrel.test.LogRecords");

    @BeforeEach
    void attach() {
        records.attach();
    }

    @AfterEach
    void detach() {
        records.close();
    }

    @Test
    void recordsHaveTraceAndSpan() {
        try (Scope _ = Context.root().with(Span.wrap(REQUEST)).makeCurrent()) {
            logger.log(Level.WARNING, "step failed", new IllegalStateException("why"));
        }
        LogRecordData record = exported.getFinishedLogRecordItems().getFirst();
        assertThat(record.getSpanContext()).isEqualTo(REQUEST);
        assertThat(record.getSeverity()).isEqualTo(Severity.WARN);
        assertThat(record.getBodyValue().asString()).isEqualTo("step failed");
        assertThat(record.getAttributes().size()).isEqualTo(2);
        assertThat(record.getInstrumentationScopeInfo().getName()).isEqualTo("dev.spandrel.test.LogRecords");
    }

    @Test
    void theSdksOwnAreLeftOut() {
        Logger.getLogger("io.opentelemetry.exporter.test").warning("refused");
        logger.warning("after");
        assertThat(exported.getFinishedLogRecordItems()).hasSize(1);
        assertThat(exported.getFinishedLogRecordItems()
                        .getFirst()
                        .getSpanContext()
                        .isValid())
                .isFalse();
    }
}
