using LoraOps.Cli.Reports.Checks;

namespace LoraOps.Cli.Tests.Reports.Checks;

/// <summary>A list with every outcome.</summary>
internal static class SampleChecks
{
    /// <summary>Two suites; of a rule that is broken twice, and of one thing that nobody looked at.</summary>
    public static CheckList All { get; } = Named("/classifier/Gemm");

    /// <summary>The same with a stranger's name everywhere.</summary>
    public static CheckList Named(string name) => new(
        "validate",
        [new("cosine", "cosine of everything", "Do not ship it.", Outcome.Failed), new("TRT-01", "weights are symmetric", "Make them so.", Outcome.Warned)],
        [
            new CheckSuite("int8.onnx", "out/int8.onnx",
            [
                new("cosine", "cosine>=0.99", Outcome.Failed) { Where = name, What = $"{name} is 0.5", Advice = "Do not ship it." },
                new("top1", "top1>=0.9", Outcome.Passed) { Where = name, What = "top1 is 0.95" },
                new("TRT-01", "orin-x TRT-01: weights are symmetric", Outcome.Warned) { Where = name, What = "is not", Advice = "Make it so." },
                new("TRT-01", "orin-x TRT-01: weights are symmetric", Outcome.Warned) { Where = name, What = "is not either", Advice = "Make it so." },
            ]),
            new CheckSuite("shanghai/orin-x", "recipe.yaml", [new("bundle", "bundle", Outcome.Skipped) { What = "the conversion failed" }]),
        ]);
}
