/**
 * The native door: the only package that touches the CUDA bindings. It knows contexts, streams, modules and memory, and
 * nothing of models or backends; every call is checked on its own line. Start reading at {@link
 * dev.spandrel.engine.cuda.CudaLibrary}, which finds and loads the libraries before any binding class is touched.
 */
package dev.spandrel.engine.cuda;
