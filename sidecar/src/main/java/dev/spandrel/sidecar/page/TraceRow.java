package dev.spandrel.sidecar.page;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.Map;

/**
 * One line of the list. Numbers that a trace does not tell are null and left out of the JSON.
 *
 * @param id trace id in hex
 * @param kind {@code request}, {@code step}, {@code start} or {@code other}
 * @param start milliseconds since 1970
 * @param duration milliseconds from the first start to the last end
 * @param service of the outermost span
 * @param name of the outermost span
 * @param status {@code error} where any span failed, {@code ok} or {@code unset}
 * @param httpStatus of the outermost span that has one
 * @param finish why the generation ended, as the engine says it
 * @param tokensIn prompt tokens of all its generations
 * @param tokensOut generated tokens of all its generations
 * @param queue milliseconds of the first generation
 * @param timeToFirstToken milliseconds of the first generation
 * @param timePerOutputToken milliseconds of the first generation
 * @param phases milliseconds by phase, in the order in which they are lived through
 * @param droppedSpans left out since the trace grew too large to keep
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record TraceRow(
        String id,
        String kind,
        double start,
        double duration,
        String service,
        String name,
        String model,
        String status,
        String httpStatus,
        String finish,
        int spans,
        int errors,
        Long tokensIn,
        Long tokensOut,
        Double queue,
        Double timeToFirstToken,
        Double timePerOutputToken,
        Long preemptions,
        Map<String, Double> phases,
        int droppedSpans) {}
