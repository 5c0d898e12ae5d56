package dev.spandrel.sidecar.transport;

import java.time.Duration;

/**
 * How long things may take.
 *
 * @param request from a request's head to the end of its body
 * @param idle from the connection's opening, or the last answer, to the end of the next head
 * @param grace for requests under way when the listener is closed
 */
public record HttpTimes(Duration request, Duration idle, Duration grace) {}
