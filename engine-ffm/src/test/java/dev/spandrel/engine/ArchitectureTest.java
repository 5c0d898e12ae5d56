package dev.spandrel.engine;

import static com.tngtech.archunit.base.DescribedPredicate.alwaysTrue;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_THROW_GENERIC_EXCEPTIONS;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** The walls of docs/ARCHITECTURE.md, as far as they stand in the engine. */
class ArchitectureTest {
    private static final String ENGINE = "dev.spandrel.engine..";
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.spandrel.engine");

    @Test
    void classesWereRead() {
        // ArchUnit silently reads nothing when it does not know the class file version.
        org.assertj.core.api.Assertions.assertThat(CLASSES.size()).isGreaterThan(50);
    }

    @Test
    void theEngineKnowsFewLibraries() {
        classes()
                .that()
                .resideInAPackage(ENGINE)
                .should()
                .onlyDependOnClassesThat(resideInAnyPackage(
                        "java..",
                        "jdk.incubator.vector..",
                        "com.sun.management..",
                        "dev.spandrel.cuda.bindings..",
                        "tools.jackson..",
                        ENGINE))
                .check(CLASSES);
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.spandrel.engine.hub..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("java.net..")
                .check(CLASSES);
        noClasses()
                .that()
                .resideOutsideOfPackages(
                        "dev.spandrel.engine.checkpoint..",
                        "dev.spandrel.engine.grammar..",
                        "dev.spandrel.engine.model..",
                        "dev.spandrel.engine.tokenizer..",
                        "dev.spandrel.engine.hub..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("tools.jackson..")
                .check(CLASSES);
    }

    @Test
    void onlyTheCpuBackendTouchesTheVectorApi() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.spandrel.engine.backend.cpu..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("jdk.incubator.vector..")
                .check(CLASSES);
    }

    @Test
    void onlyEngineCudaTouchesTheBindings() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.spandrel.engine.cuda..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.spandrel.cuda.bindings..")
                .check(CLASSES);
    }

    @Test
    void inTheRootPackageOnlyEngineKnowsTheSubPackages() {
        noClasses()
                .that()
                .resideInAPackage("dev.spandrel.engine")
                .and()
                .doNotHaveFullyQualifiedName("dev.spandrel.engine.Engine")
                .should()
                .dependOnClassesThat(resideInAPackage(ENGINE)
                        .and(com.tngtech.archunit.base.DescribedPredicate.not(resideInAPackage("dev.spandrel.engine"))))
                .check(CLASSES);
    }

    @Test
    void subPackagesAreFreeOfCycles() {
        slices().matching("dev.spandrel.engine.(*)..").should().beFreeOfCycles().check(CLASSES);
    }

    @Test
    void noGenericExceptionsAndNoExit() {
        NO_CLASSES_SHOULD_THROW_GENERIC_EXCEPTIONS.check(CLASSES);
        noClasses()
                .that(alwaysTrue())
                .should()
                .callMethod(System.class, "exit", int.class)
                .check(CLASSES);
    }
}
