package dev.spandrel.sidecar;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.logging.ConsoleHandler;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** One line to stderr for each log record: time, level, class, message, and the cause in the same line. */
final class LogFormat extends Formatter {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

    /** Libraries that log a stack trace for what a sender does wrong; held so that their levels are not collected. */
    private static final Logger[] QUIET = {Logger.getLogger("io.helidon"), Logger.getLogger("io.grpc")};

    /** Logs why a port cannot be had, which we say ourselves in one line. */
    private static final Logger FAILED_STARTS = Logger.getLogger("io.helidon.webserver.LoomServer");

    /** Makes this the format of java.util.logging, which is where System.Logger and both servers log. */
    static void install() {
        Logger root = Logger.getLogger("");
        for (Handler handler : root.getHandlers()) {
            root.removeHandler(handler);
        }
        ConsoleHandler console = new ConsoleHandler();
        console.setFormatter(new LogFormat());
        root.addHandler(console);
        for (Logger quiet : QUIET) {
            quiet.setLevel(Level.SEVERE);
        }
        FAILED_STARTS.setLevel(Level.OFF);
    }

    @Override
    public String format(LogRecord log) {
        StringBuilder line = new StringBuilder(128);
        TIME.formatTo(Instant.ofEpochMilli(log.getMillis()), line);
        String name = log.getLoggerName() == null ? "" : log.getLoggerName();
        line.append(' ').append(log.getLevel().getName()).append(' ').append(name.substring(name.lastIndexOf('.') + 1));
        line.append(": ").append(formatMessage(log));
        for (Throwable cause = log.getThrown(); cause != null; cause = cause.getCause()) {
            line.append(" <- ").append(cause);
        }
        return line.append(System.lineSeparator()).toString();
    }
}
