/**
 * The light rewriting between door and journal, off unless asked for: missing resource attributes are added, attributes and
 * texts that must not leave the pod are masked. It knows the encoded form only, and what it does not change stays byte for
 * byte. Start reading at {@link dev.spandrel.sidecar.transform.Transform}.
 */
package dev.spandrel.sidecar.transform;
