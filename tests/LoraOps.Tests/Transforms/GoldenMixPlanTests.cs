using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Mixing;
using LoraOps.Readers.Peft;
using LoraOps.Testing;
using LoraOps.Tests.Mixing;
using LoraOps.Transforms;

namespace LoraOps.Tests.Transforms;

/// <summary>Adapters on disk become one on disk, and what is read again is the definition's delta.</summary>
public sealed class GoldenMixPlanTests
{
    private static readonly string[] Exact = ["cat", "sum_svd", "linear", "task_arithmetic", "slerp", "nuslerp", "model_stock"];

    public static TheoryData<string> Cases => [.. GoldenMixCase.All().Where(name => MixMethods.Find(GoldenMixCase.MethodOf(name)) is not null)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_written_adapter_has_the_delta_of_the_definition(string name)
    {
        using var golden = GoldenMixCase.Of(name);
        using var folder = new TemporaryFolder();
        using (var plan = MixPlan.Make(golden.Request(folder["mixed"])))
            plan.Run();

        var written = PeftReader.Read(folder["mixed"]);
        var limit = Exact.Contains(golden.Method) ? 1e-6 : 1e-5;
        foreach (var (parameter, truth) in golden.Truths())
        {
            var found = Found(golden, written, parameter) ?? new double[truth.Length];
            var norm = Math.Sqrt(truth.Sum(value => value * value));
            var error = Math.Sqrt(found.Zip(truth, (a, b) => (a - b) * (a - b)).Sum());
            Assert.True(error <= limit * norm + 1e-12, $"{parameter}: error {error} of {norm}");
            if (golden.Settings.Rank is null)
                Assert.All(found.Zip(truth).Where(pair => pair.Second == 0), pair => Assert.InRange(Math.Abs(pair.First), 0, (1e-12 * norm) + 1e-15));
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_same_mix_gives_the_same_bytes(string name)
    {
        using var golden = GoldenMixCase.Of(name);
        using var folder = new TemporaryFolder();
        foreach (var output in new[] { "a", "b" })
        {
            using var plan = MixPlan.Make(golden.Request(folder[output]) with { MemoryBytes = output == "a" ? 1 : 1L << 30 });
            plan.Run();
        }

        foreach (var file in new[] { "adapter_config.json", "adapter_model.safetensors" })
            Assert.Equal(File.ReadAllBytes(Path.Combine(folder["a"], file)), File.ReadAllBytes(Path.Combine(folder["b"], file)));
    }

    // In canonical orientation, as the case gives its truth.
    private static double[]? Found(GoldenMixCase golden, Adapter written, string parameter)
    {
        if (written.Replacements.FirstOrDefault(replacement => replacement.FullName == parameter) is { } replaced)
            return [.. replaced.Value.ToFloats().Zip(golden.Stored(parameter), (value, stored) => (double)value - stored)];

        var module = written.Modules.FirstOrDefault(module => module.Name.Parameter(module.Delta.Parameter) == parameter);
        return module?.Delta switch
        {
            null => null,
            BiasDelta bias => [.. bias.Bias.ToFloats().Select(value => value * bias.Scale)],
            var delta => DeltaMatrices.Of(delta, null).ToArray(),
        };
    }
}
