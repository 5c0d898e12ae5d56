package dev.spandrel.server.telemetry;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.logs.LogRecordBuilder;
import io.opentelemetry.api.logs.LoggerProvider;
import io.opentelemetry.api.logs.Severity;
import io.opentelemetry.context.Context;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.SimpleFormatter;

/**
 * Sends what is logged to an OpenTelemetry backend, beside the console: with the trace and span of the request it was
 * logged for. What the SDK itself logs stays on the console, or one failure would breed the next.
 */
final class LogRecords extends Handler {
    private static final AttributeKey<String> EXCEPTION_TYPE = AttributeKey.stringKey("exception.type");
    private static final AttributeKey<String> EXCEPTION_MESSAGE = AttributeKey.stringKey("exception.message");

    private final LoggerProvider loggers;
    private final SimpleFormatter formatter = new SimpleFormatter();

    LogRecords(LoggerProvider loggers) {
        this.loggers = loggers;
    }

    /** Begins to listen. */
    void attach() {
        LogManager.getLogManager().getLogger("").addHandler(this);
    }

    @Override
    public void publish(LogRecord record) {
        String name = record.getLoggerName() == null ? "" : record.getLoggerName();
        if (name.startsWith("io.opentelemetry.")) {
            return;
        }
        LogRecordBuilder builder = loggers.get(name)
                .logRecordBuilder()
                .setTimestamp(record.getInstant())
                .setContext(Context.current())
                .setSeverity(severity(record.getLevel()))
                .setSeverityText(record.getLevel().getName())
                .setBody(formatter.formatMessage(record));
        if (record.getThrown() != null) {
            builder.setAttribute(EXCEPTION_TYPE, record.getThrown().getClass().getName());
            builder.setAttribute(
                    EXCEPTION_MESSAGE, String.valueOf(record.getThrown().getMessage()));
        }
        builder.emit();
    }

    private static Severity severity(Level level) {
        int value = level.intValue();
        if (value >= Level.SEVERE.intValue()) {
            return Severity.ERROR;
        }
        if (value >= Level.WARNING.intValue()) {
            return Severity.WARN;
        }
        return value >= Level.CONFIG.intValue() ? Severity.INFO : Severity.DEBUG;
    }

    @Override
    public void flush() {
        // The SDK's batch processor flushes itself.
    }

    @Override
    public void close() {
        LogManager.getLogManager().getLogger("").removeHandler(this);
    }
}
