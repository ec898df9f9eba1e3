using LoraOps.Merging;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Merging;

/// <summary>PEFT's own results, reproduced with its order and its roundings.</summary>
public sealed class PeftArithmeticTests
{
    /// <summary>Every case with PEFT's own result that is read, and no bin file.</summary>
    public static TheoryData<string> Cases => [.. GoldenCase.All().Select(GoldenCase.Of).Where(golden => golden.MergesLikePeft).Select(golden => golden.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Gives_what_merge_and_unload_gave(string name)
    {
        var golden = GoldenCase.Of(name);
        using var folder = new TemporaryFolder();
        using (var plan = golden.Plan(folder["out.safetensors"], golden.Options with { Arithmetic = MergeArithmetic.Peft }))
            plan.Run();

        using var merged = SafetensorsFile.Open(folder["out.safetensors"]);
        using var peft = SafetensorsFile.Open(golden.MergedPath);
        Assert.Equal(
            peft.Tensors.Select(tensor => tensor.Name).Order(StringComparer.Ordinal),
            merged.Tensors.Select(tensor => tensor.Name).Order(StringComparer.Ordinal));
        var (differing, count) = (0, 0L);
        foreach (var tensor in peft.Tensors)
        {
            var (wanted, found) = (tensor.ToFloats(), merged.Find(tensor.Name)!.ToFloats());
            var allowed = tensor.Type == ElementType.F32 ? (golden.PeftError + golden.Limit) * wanted.Max(Math.Abs) : double.MaxValue;
            Assert.All(wanted.Zip(found), pair => Assert.InRange(Math.Abs((double)pair.First - pair.Second), 0, allowed));
            differing += tensor.Type == ElementType.F32 ? 0 : wanted.Zip(found).Count(pair => pair.First != pair.Second);
            count += wanted.Length;
        }

        Assert.True(differing <= Math.Max(1, count / 1000), $"{differing} of {count} elements differ from PEFT's");
        CheckTruth(golden, merged);
    }

    // Where PEFT's arithmetic is not the formula, its own in float64.
    private static void CheckTruth(GoldenCase golden, SafetensorsFile merged)
    {
        if (!File.Exists(golden.TruthAsPeftPath))
            return;

        using var truth = SafetensorsFile.Open(golden.TruthAsPeftPath);
        foreach (var tensor in truth.Tensors)
            GoldenCase.Differing(merged.Find(tensor.Name)!, GoldenCase.Doubles(tensor), golden.Limit);
    }
}
