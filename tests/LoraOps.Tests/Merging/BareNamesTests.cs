using LoraOps.Merging;
using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Writers.Safetensors;

namespace LoraOps.Tests.Merging;

public sealed class BareNamesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("text_encoder_2")]
    [InlineData("unet")]
    public void Takes_the_part_of_a_pipeline_that_the_bases_folder_is_called(string component)
    {
        var folder = Path.GetDirectoryName(TinyCheckpoint.File(
            _folder[$"{component}/diffusion_pytorch_model.safetensors"], TinyCheckpoint.Tensor("a.b.weight", ElementType.F32, 4, 3)))!;
        Write("lora_unet_a_b", "lora_te1_a_b", "lora_te2_a_b");

        var error = Assert.Throws<LoraOpsException>(() => Merge(folder, new MergeOptions()));
        Assert.Equal(2, error.Problems.Count(problem => problem.Code == ProblemCode.ModuleUnmatched));

        var summary = Merge(folder, new MergeOptions { AllowUnmatched = true });
        Assert.Equal(2, summary.Warnings.Count(warning => warning.Contains("are left out", StringComparison.Ordinal)));
        Assert.Equal(["diffusion_pytorch_model.safetensors"], Directory.GetFiles(_folder["out"]).Select(Path.GetFileName));
    }

    [Fact]
    public void Shows_near_misses_of_a_flat_name()
    {
        var file = TinyCheckpoint.File(_folder["base.safetensors"], TinyCheckpoint.Tensor("a.blocks.0.proj.weight", ElementType.F32, 4, 3));
        Write("lora_unet_a_blocks_1_proj");

        var problem = Assert.Single(Assert.Throws<LoraOpsException>(() => Merge(file, new MergeOptions())).Problems);
        Assert.Equal(ProblemCode.ModuleUnmatched, problem.Code);
        Assert.Contains("nearest: 'a.blocks.0.proj.weight'", problem.What, StringComparison.Ordinal);
    }

    [Fact]
    public void Prefers_the_files_of_diffusers_to_its_variants_and_keeps_their_names()
    {
        var tensors = new[] { TinyCheckpoint.Tensor("a.b.weight", ElementType.F32, 4, 3), TinyCheckpoint.Tensor("c.weight", ElementType.F32, 4, 3) };
        TinyCheckpoint.File(_folder["base/diffusion_pytorch_model.safetensors"], tensors);
        TinyCheckpoint.File(_folder["base/diffusion_pytorch_model.fp16.safetensors"], tensors);
        Write("lora_unet_a_b");

        Merge(_folder["base"], new MergeOptions { MaxShardBytes = 64 });

        using var merged = Checkpoint.Open(_folder["out"]);
        Assert.Equal(_folder["out/diffusion_pytorch_model.safetensors.index.json"], merged.IndexPath);
        Assert.Equal(
            ["diffusion_pytorch_model-00001-of-00002.safetensors", "diffusion_pytorch_model-00002-of-00002.safetensors"],
            merged.Shards.Select(shard => Path.GetFileName(shard.Path)));
    }

    public void Dispose() => _folder.Dispose();

    private void Write(params string[] modules)
    {
        SafetensorsWriter.Write(
            _folder["style.safetensors"],
            [.. modules.SelectMany(module => (Tensor[])
            [
                TinyCheckpoint.Tensor($"{module}.lora_down.weight", ElementType.F32, 2, 3),
                TinyCheckpoint.Tensor($"{module}.lora_up.weight", ElementType.F32, 4, 2),
            ])],
            new Dictionary<string, string>());
    }

    private MergeSummary Merge(string from, MergeOptions options)
    {
        using var plan = MergePlan.Make(from, [new AdapterSource(_folder["style.safetensors"])], _folder["out"], options);
        plan.Run();
        return plan.Summary;
    }
}
