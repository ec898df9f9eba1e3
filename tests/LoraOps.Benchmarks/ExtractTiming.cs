using System.Globalization;
using System.Text.Json;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using MathNet.Numerics.LinearAlgebra;

namespace LoraOps.Benchmarks;

/// <summary>
/// <c>loraops extract</c> of a rank-16 difference, stored as bfloat16, of a large checkpoint: seconds, resident memory, the time that
/// reading both checkpoints takes, and the error beside the best possible one, which the eigenvalues of two layers give exactly.
/// </summary>
internal sealed class ExtractTiming(string folder, string command, TextWriter output)
{
    private const int Rank = 16;
    private static readonly string[] Proven = ["model.layers.0.self_attn.k_proj", "model.layers.0.self_attn.q_proj"];

    private string Base => Path.Combine(folder, "base");

    private string Tuned => Path.Combine(folder, "tuned");

    /// <summary>Makes the checkpoints and measures.</summary>
    /// <param name="bytes">The size of each.</param>
    public void Run(long bytes)
    {
        if (!Directory.Exists(Tuned))
        {
            LlamaCheckpoint.Write(Base, bytes, 3);
            TunedCheckpoint.Write(Base, Tuned, Rank);
        }

        var files = new[] { Base, Tuned }.SelectMany(path => Directory.GetFiles(path, "*.safetensors")).ToList();
        var size = files.Sum(file => new FileInfo(file).Length);
        var reading = files.Sum(file => MeasuredProcess.Run("dd", $"if={file}", "of=/dev/null", "bs=4M", "status=none").Seconds);
        var run = MeasuredProcess.Run(
            command, "extract", "--base", Base, "--tuned", Tuned, "--rank", "16", "-o", Path.Combine(folder, "extracted"), "--overwrite", "-q", "--json");
        using var report = JsonDocument.Parse(run.Output);
        var modules = report.RootElement.GetProperty("ranks").EnumerateArray().ToDictionary(module => module.GetProperty("module").GetString()!);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"2 x {size / 2e9:F2} GB, {modules.Count} modules: {run.Seconds:F1} s, {run.PeakBytes / 1e6:F0} MB; reading both: {reading:F1} s"));
        foreach (var name in Proven)
            Compare(name, modules[name].GetProperty("error").GetDouble());
    }

    private void Compare(string module, double error)
    {
        using var before = Checkpoint.Open(Base);
        using var after = Checkpoint.Open(Tuned);
        var (one, other) = (before.Find($"{module}.weight")!, after.Find($"{module}.weight")!);
        var best = Best(one.ToFloats(), other.ToFloats(), one.Shape);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {module}: error {error:G6}, best {best:G6}, {error / best:F5} x"));
    }

    // The error of the best factors, from the eigenvalues of D · Dᵀ.
    private static double Best(float[] before, float[] after, TensorShape shape)
    {
        var difference = Matrix<double>.Build.Dense((int)shape[1], (int)shape[0], [.. after.Zip(before, (one, other) => (double)one - other)]);
        var gram = shape[0] <= shape[1] ? difference.TransposeThisAndMultiply(difference) : difference.TransposeAndMultiply(difference);
        var squares = gram.Evd(Symmetricity.Symmetric).EigenValues.Select(value => Math.Max(0, value.Real)).OrderDescending().ToList();
        return Math.Sqrt(squares.Skip(Rank).Sum() / squares.Sum());
    }
}
