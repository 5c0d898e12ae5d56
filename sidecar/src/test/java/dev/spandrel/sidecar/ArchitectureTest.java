package dev.spandrel.sidecar;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_THROW_GENERIC_EXCEPTIONS;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

class ArchitectureTest {
    private static final String ROOT = "dev.spandrel.sidecar";
    private final JavaClasses classes = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages(ROOT);

    @Test
    void theImporterReadsThisJavaVersion() {
        assertThat(classes.size()).isGreaterThan(30);
    }

    @Test
    void noGenericExceptions() {
        NO_CLASSES_SHOULD_THROW_GENERIC_EXCEPTIONS.check(classes);
    }

    @Test
    void onlyMainExits() {
        noClasses()
                .that()
                .doNotHaveSimpleName("Main")
                .should()
                .callMethod(System.class, "exit", int.class)
                .orShould()
                .callMethod(Runtime.class, "exit", int.class)
                .orShould()
                .callMethod(Runtime.class, "halt", int.class)
                .check(classes);
    }

    @Test
    void packagesAreFreeOfCycles() {
        slices().matching(ROOT + ".(*)..").should().beFreeOfCycles().check(classes);
    }

    @Test
    void nobodyKnowsTheRootPackage() {
        noClasses()
                .that()
                .resideInAPackage(ROOT + ".*..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(ROOT)
                .check(classes);
    }

    @Test
    void theSidecarKnowsNoOtherModule() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("dev.spandrel.engine..", "dev.spandrel.server..", "io.opentelemetry..")
                .check(classes);
    }

    @Test
    void onlyThePageSpeaksToTheWebServer() {
        classes()
                .that()
                .resideOutsideOfPackages(ROOT + ".page..", ROOT + ".web..")
                .should()
                .onlyDependOnClassesThat()
                .resideOutsideOfPackage("io.helidon..")
                .check(classes);
    }

    @Test
    void onlyTransportsSpeakGrpc() {
        classes()
                .that()
                .resideOutsideOfPackages(ROOT + ".receiver..", ROOT + ".exporter..", ROOT + ".transport..")
                .should()
                .onlyDependOnClassesThat()
                .resideOutsideOfPackage("io.grpc..")
                .check(classes);
    }
}
