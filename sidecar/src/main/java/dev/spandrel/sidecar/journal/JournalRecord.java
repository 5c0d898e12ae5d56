package dev.spandrel.sidecar.journal;

/**
 * One acknowledged export request.
 *
 * @param sequence its place in its journal, counted from 1 without gaps other than lost records
 * @param epochMillis when it arrived
 */
public record JournalRecord(long sequence, long epochMillis, int items, byte[] body) {}
