using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Readers.Samples;

public sealed class SampleSetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Opens_recorded_samples()
    {
        var samples = SampleSet.Open(Fixtures.Path("bev-vit", "reference", "shanghai.safetensors"));
        Assert.Equal(32, samples.Count);
        Assert.Equal(["base_logits", "labels", "logits", "pixel_values"], samples.Tensors.Keys);
        Assert.Equal(ElementType.I64, samples.Find("labels")!.Type);
        Assert.Null(samples.Find("images"));
    }

    [Fact]
    public void Reads_the_same_from_a_safetensors_file_and_from_npy()
    {
        var samples = SampleSet.Open(Fixtures.Path("bev-vit", "reference", "shanghai.safetensors"));
        var images = samples.Find("pixel_values")!;
        Npy.Write(_folder["pixel_values.npy"], "<f4", "(32, 1, 8, 8)", images.ToBytes());
        Npy.Write(_folder["labels.npy"], "<i8", "(32,)", samples.Find("labels")!.ToBytes());

        var arrays = SampleSet.Open(_folder.Path);
        Assert.Equal(["labels", "pixel_values"], arrays.Tensors.Keys);
        Assert.Equal(images.Shape, arrays.Find("pixel_values")!.Shape);
        var (some, others) = (new float[128], new float[128]);
        images.ReadFloats(5 * 64, some);
        arrays.Find("pixel_values")!.ReadFloats(5 * 64, others);
        Assert.Equal(some, others);
    }

    [Fact]
    [Raises(ProblemCode.FileUnreadable)]
    public void Leaves_its_files_closed()
    {
        Npy.Write(_folder["x.npy"], "|u1", "(2,)", [1, 2]);
        var samples = SampleSet.Open(_folder.Path);
        File.WriteAllBytes(_folder["x.npy"], [1]);
        var error = Assert.Throws<LoraOpsException>(() => samples.Find("x")!.ToBytes());
        Assert.Equal(ProblemCode.FileUnreadable, error.Problems[0].Code);
    }

    [Fact]
    public void Tells_what_is_wrong_with_all_its_arrays_at_once()
    {
        Npy.Write(_folder["a.npy"], "<f4", "(2,)", [1]);
        Npy.Write(_folder["b.npy"], ">f4", "(1,)", new byte[4]);
        var error = Assert.Throws<LoraOpsException>(() => SampleSet.Open(_folder.Path));
        Assert.Equal([ProblemCode.NpySizeMismatch, ProblemCode.NpyTypeRefused], error.Problems.Select(problem => problem.Code));
    }

    [Fact]
    public void Refuses_a_single_npy_and_a_missing_file()
    {
        Npy.Write(_folder["a.npy"], "<f4", "(1,)", new byte[4]);
        Assert.Equal(ProblemCode.KindUnknown, Code(_folder["a.npy"]));
        Assert.Equal(ProblemCode.FileMissing, Code(_folder["none.safetensors"]));
    }

    private static ProblemCode Code(string path) =>
        Assert.Throws<LoraOpsException>(() => SampleSet.Open(path)).Problems[0].Code;
}
