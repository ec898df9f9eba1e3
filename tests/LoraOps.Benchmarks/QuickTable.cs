using System.Globalization;
using LoraOps.Tensors;

namespace LoraOps.Benchmarks;

/// <summary>Every kernel once, beside what the machine can do: the last column is the share of that.</summary>
internal static class QuickTable
{
    public static void Print(TextWriter output)
    {
        var copy = Machine.CopyBytesPerSecond();
        var peak = Machine.FusedOperationsPerSecond();
        Row(output, "copy", copy, copy, "GB/s");
        foreach (var type in new[] { ElementType.F32, ElementType.F16, ElementType.BF16 })
        {
            var codec = new ElementCodecBenchmarks { Type = type };
            codec.Setup();
            Row(output, $"decode {type.Name()}", codec.Traffic / Machine.BestSeconds(codec.Decode), copy, "GB/s");
            Row(output, $"encode {type.Name()}", codec.Traffic / Machine.BestSeconds(codec.Encode), copy, "GB/s");
        }

        Row(output, "fused multiply-add in registers", peak, peak, "GFLOP/s");
        foreach (var type in new[] { ElementType.BF16, ElementType.F32 })
        {
            foreach (var rank in new[] { 8, 16, 64, 256 })
            {
                var update = new FusedUpdateBenchmarks { Rank = rank, Type = type };
                update.Setup();
                var seconds = Machine.BestSeconds(() => update.Apply());
                Row(output, $"update {type.Name()}, rank {rank}", update.Traffic / seconds, copy, "GB/s");
                Row(output, "", update.Operations / seconds, peak, "GFLOP/s");
            }
        }
    }

    private static void Row(TextWriter output, string name, double rate, double best, string unit) => output.WriteLine(
        string.Create(CultureInfo.InvariantCulture, $"{name,-32} {rate / 1e9,8:F1} {unit,-8} {rate / best,6:P0}"));
}
