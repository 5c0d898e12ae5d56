/**
 * {@code doctor}: looks at machine, ports, model folder and telemetry endpoint before a server is started, and says what is
 * wrong and what would help. It knows the engine's root package and starts no server. Start reading at
 * {@link dev.spandrel.server.doctor.DoctorCommand}.
 */
package dev.spandrel.server.doctor;
