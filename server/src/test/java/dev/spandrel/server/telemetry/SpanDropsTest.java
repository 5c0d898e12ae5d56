package dev.spandrel.server.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.server.Waiting;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

/** Lost spans are counted by their reason and told once. */
class SpanDropsTest {
    private final SpanDrops drops = new SpanDrops();
    private final SdkMeterProvider metrics =
            SdkMeterProvider.builder().registerMetricReader(drops).build();

    /** Takes nothing in until told to, then refuses everything. */
    private static final class Hanging implements SpanExporter {
        private final CompletableResultCode result = new CompletableResultCode();
        private final CountDownLatch called = new CountDownLatch(1);

        @Override
        public CompletableResultCode export(Collection<SpanData> spans) {
            called.countDown();
            return result;
        }

        @Override
        public CompletableResultCode flush() {
            return CompletableResultCode.ofSuccess();
        }

        @Override
        public CompletableResultCode shutdown() {
            return CompletableResultCode.ofSuccess();
        }
    }

    private SdkTracerProvider provider(SpanExporter exporter) {
        return SdkTracerProvider.builder()
                .addSpanProcessor(BatchSpanProcessor.builder(drops.watch(exporter))
                        .setMeterProvider(metrics)
                        .setMaxQueueSize(8)
                        .setMaxExportBatchSize(4)
                        .build())
                .build();
    }

    @Test
    void aHangingBackendFillsTheQueueAndTheRestIsCounted() throws InterruptedException {
        Hanging backend = new Hanging();
        try (SdkTracerProvider provider = provider(backend)) {
            Tracer tracer = provider.get("test");
            for (int i = 0; i < 4; i++) {
                tracer.spanBuilder("x").startSpan().end();
            }
            assertThat(backend.called.await(10, TimeUnit.SECONDS)).isTrue();
            for (int i = 0; i < 100; i++) {
                tracer.spanBuilder("x").startSpan().end();
            }
            // Four are being sent, eight wait.
            assertThat(drops.queueFull()).isBetween(88L, 92L);
            backend.result.fail();
            Waiting.until(() -> drops.exportFailed() >= 4, "the refused batch is counted");
        }
    }

    @Test
    void nothingIsLostWhereTheBackendTakesAll() {
        InMemorySpanExporter backend = InMemorySpanExporter.create();
        try (SdkTracerProvider provider = provider(backend)) {
            provider.get("test").spanBuilder("x").startSpan().end();
        }
        assertThat(drops.queueFull() + drops.exportFailed() + drops.stepQueueFull())
                .isZero();
    }

    @Test
    void toldOnceAMinute() {
        List<Runnable> scheduled = new ArrayList<>();
        ScheduledThreadPoolExecutor clock = new ScheduledThreadPoolExecutor(1) {
            @Override
            public ScheduledFuture<?> scheduleAtFixedRate(Runnable task, long delay, long period, TimeUnit unit) {
                assertThat(unit.toSeconds(delay)).isEqualTo(60);
                assertThat(unit.toSeconds(period)).isEqualTo(60);
                scheduled.add(task);
                return null;
            }
        };
        List<String> messages = told(() -> {
            drops.start(clock);
            scheduled.getFirst().run();
            drops.alsoCount(() -> 3);
            scheduled.getFirst().run();
            scheduled.getFirst().run();
        });
        assertThat(messages).singleElement().asString().startsWith("3 spans were lost");
        drops.shutdown();
        assertThat(clock.isShutdown()).isTrue();
    }

    @Test
    void toldOnceUntilMoreIsLost() {
        List<String> messages = told(() -> {
            drops.alsoCount(() -> 3);
            drops.tell();
            drops.tell();
            drops.alsoCount(() -> 5);
            drops.tell();
        });
        assertThat(messages).hasSize(2);
        assertThat(messages.getFirst()).startsWith("3 spans were lost");
        assertThat(messages.getLast()).startsWith("2 spans were lost");
    }

    /** What is logged meanwhile. */
    private static List<String> told(Runnable action) {
        List<String> messages = new ArrayList<>();
        Logger logger = Logger.getLogger(SpanDrops.class.getName());
        Handler handler = new Handler() {
            @Override
            public void publish(LogRecord record) {
                messages.add(record.getMessage());
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        logger.addHandler(handler);
        try {
            action.run();
            return messages;
        } finally {
            logger.removeHandler(handler);
        }
    }
}
