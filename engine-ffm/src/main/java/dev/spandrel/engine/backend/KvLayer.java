package dev.spandrel.engine.backend;

/** Keys and values of one layer, paged in blocks; only the backend that made it can look inside. */
public interface KvLayer {}
