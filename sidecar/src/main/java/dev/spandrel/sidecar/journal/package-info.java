/**
 * What has been acknowledged and not yet been handed over: one {@link dev.spandrel.sidecar.journal.Journal} per signal,
 * one {@link dev.spandrel.sidecar.journal.JournalReader} per destination, and what was put aside. It knows encoded
 * requests only as bytes with a count of items. Start reading at {@link dev.spandrel.sidecar.journal.Journal}.
 */
package dev.spandrel.sidecar.journal;
