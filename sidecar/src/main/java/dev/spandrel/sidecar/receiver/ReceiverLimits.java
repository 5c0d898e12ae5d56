package dev.spandrel.sidecar.receiver;

import dev.spandrel.sidecar.time.Ticker;
import java.time.Duration;

/**
 * The bounds of both receivers.
 *
 * @param maxRequestBytes of one request, before and after decompression
 * @param maxRequestTime from the first byte of a request to its last
 * @param inFlight shared by both receivers
 */
public record ReceiverLimits(int maxRequestBytes, Duration maxRequestTime, InFlightBytes inFlight, Ticker ticker) {
    BodyReader bodyReader(InFlightBytes.Lease lease) {
        return new BodyReader(maxRequestBytes, maxRequestTime, ticker, lease);
    }
}
