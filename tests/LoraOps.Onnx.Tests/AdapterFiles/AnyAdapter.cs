using LoraOps.Onnx.AdapterFiles;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Tests.AdapterFiles;

/// <summary>Seeded adapters of every type, shape and name that the format has a place for.</summary>
internal static class AnyAdapter
{
    private static readonly ElementType[] Types =
    [
        ElementType.F32, ElementType.F16, ElementType.BF16, ElementType.U8, ElementType.I8, ElementType.U16, ElementType.I16, ElementType.U32,
        ElementType.I32, ElementType.U64, ElementType.I64, ElementType.F8E4M3, ElementType.F8E4M3Fnuz, ElementType.F8E5M2, ElementType.F8E5M2Fnuz,
    ];

    public static OnnxAdapter Of(Random random) => new([.. Enumerable.Range(0, random.Next(9)).Select(index => Parameter(random, index))])
    {
        AdapterVersion = random.Next(3) - 1,
        ModelVersion = random.Next(3) - 1,
    };

    public static void Same(OnnxAdapter expected, OnnxAdapter found)
    {
        Assert.Equal((expected.AdapterVersion, expected.ModelVersion), (found.AdapterVersion, found.ModelVersion));
        Assert.Equal(expected.Parameters.Count, found.Parameters.Count);
        foreach (var (mine, theirs) in expected.Parameters.Zip(found.Parameters))
        {
            Assert.Equal((mine.Name, mine.Type, mine.Shape), (theirs.Name, theirs.Type, theirs.Shape));
            Assert.Equal(mine.ToBytes(), theirs.ToBytes());
        }
    }

    private static BufferTensor Parameter(Random random, int index)
    {
        var type = Types[random.Next(Types.Length)];
        var shape = new TensorShape([.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => (long)random.Next(6))]);
        var bytes = new byte[shape.ElementCount * type.Bits() / 8];
        random.NextBytes(bytes);
        return new BufferTensor(new string("aé漢😀"[index % 3], random.Next(1, 9)) + index, type, shape, bytes);
    }
}
