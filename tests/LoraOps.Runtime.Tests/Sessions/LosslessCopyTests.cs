using System.Runtime.InteropServices;
using LoraOps.Runtime.Sessions;
using LoraOps.Tensors;

namespace LoraOps.Runtime.Tests.Sessions;

public sealed class LosslessCopyTests
{
    private static readonly ElementType[] Integers =
    [
        ElementType.U8, ElementType.I8, ElementType.U16, ElementType.I16, ElementType.U32, ElementType.I32, ElementType.U64, ElementType.I64,
    ];

    public static TheoryData<ElementType, ElementType> Pairs()
    {
        var pairs = new TheoryData<ElementType, ElementType>();
        foreach (var (from, to) in Integers.SelectMany(from => Integers.Select(to => (from, to))))
            pairs.Add(from, to);

        return pairs;
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public void Any_integer_type_takes_small_numbers_of_any_other(ElementType from, ElementType to)
    {
        var source = Integer(from, 1, 100);
        var bytes = new byte[2 * to.Bits() / 8];

        Assert.True(LosslessCopy.TryCopy(source, 0, 2, to, bytes));
        Assert.Equal(Integer(to, 1, 100).ToBytes(), bytes);
    }

    [Theory]
    [InlineData(ElementType.I64, ElementType.I32, long.MaxValue)]
    [InlineData(ElementType.I64, ElementType.U8, -1)]
    [InlineData(ElementType.I8, ElementType.U64, -1)]
    [InlineData(ElementType.I32, ElementType.Bool, 2)]
    [InlineData(ElementType.U64, ElementType.I64, -1)]
    [InlineData(ElementType.U32, ElementType.I16, 40000)]
    public void A_number_that_does_not_fit_is_refused(ElementType from, ElementType to, long value)
    {
        Assert.False(LosslessCopy.TryCopy(Integer(from, 1, value), 0, 2, to, new byte[16]));
    }

    [Fact]
    public void Truth_values_become_numbers_and_back()
    {
        var numbers = new byte[16];
        var truths = new byte[2];

        Assert.True(LosslessCopy.TryCopy(Make(ElementType.Bool, [(byte)1, (byte)0]), 0, 2, ElementType.I64, numbers));
        Assert.True(LosslessCopy.TryCopy(Make(ElementType.I64, [0L, 1L]), 0, 2, ElementType.Bool, truths));

        Assert.Equal([1, 0], MemoryMarshal.Cast<byte, long>(numbers));
        Assert.Equal([0, 1], truths);
    }

    [Fact]
    public void Floats_widen_and_narrow_where_nothing_is_lost()
    {
        var wide = new byte[24];
        var narrow = new byte[6];

        Assert.True(LosslessCopy.TryCopy(Make(ElementType.F32, [0.1f, float.NaN, float.NegativeInfinity]), 0, 3, ElementType.F64, wide));
        Assert.True(LosslessCopy.TryCopy(Make(ElementType.F64, [0.5, double.NaN, -2048.0]), 0, 3, ElementType.F16, narrow));

        Assert.Equal([0.1f, double.NaN, double.NegativeInfinity], MemoryMarshal.Cast<byte, double>(wide));
        Assert.Equal([(Half)0.5, Half.NaN, (Half)(-2048)], MemoryMarshal.Cast<byte, Half>(narrow));
    }

    [Fact]
    public void Floats_that_would_be_rounded_are_refused()
    {
        Assert.False(LosslessCopy.TryCopy(Make(ElementType.F32, [0.1f]), 0, 1, ElementType.F16, new byte[2]));
        Assert.False(LosslessCopy.TryCopy(Make(ElementType.F32, [70000f]), 0, 1, ElementType.F16, new byte[2]));
        Assert.False(LosslessCopy.TryCopy(Make(ElementType.F32, [1f]), 0, 1, ElementType.BF16, new byte[2]));
    }

    [Fact]
    public void Integers_never_become_floats_nor_the_reverse()
    {
        Assert.False(LosslessCopy.TryCopy(Make(ElementType.U8, [(byte)1]), 0, 1, ElementType.F32, new byte[4]));
        Assert.False(LosslessCopy.TryCopy(Make(ElementType.F32, [1f]), 0, 1, ElementType.I64, new byte[8]));
    }

    [Fact]
    public void Copies_a_range()
    {
        var target = new byte[8];

        Assert.True(LosslessCopy.TryCopy(Make(ElementType.I16, [(short)1, (short)2, (short)3]), 1, 2, ElementType.I32, target));

        Assert.Equal([2, 3], MemoryMarshal.Cast<byte, int>(target));
    }

    private static BufferTensor Integer(ElementType type, long one, long two) => type switch
    {
        ElementType.U8 => Make(type, [(byte)one, (byte)two]),
        ElementType.I8 => Make(type, [(sbyte)one, (sbyte)two]),
        ElementType.U16 => Make(type, [(ushort)one, (ushort)two]),
        ElementType.I16 => Make(type, [(short)one, (short)two]),
        ElementType.U32 => Make(type, [(uint)one, (uint)two]),
        ElementType.I32 => Make(type, [(int)one, (int)two]),
        ElementType.U64 => Make(type, [(ulong)one, (ulong)two]),
        _ => Make(type, [one, two]),
    };

    private static BufferTensor Make<T>(ElementType type, T[] values)
        where T : unmanaged => new("x", type, new TensorShape(values.Length), MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
}
