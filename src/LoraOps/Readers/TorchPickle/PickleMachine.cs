using LoraOps.Problems;

namespace LoraOps.Readers.TorchPickle;

/// <summary>
/// Runs the few opcodes that <c>torch.save</c> writes (pickle protocol 2), on symbols only: a name of Python stays a name and a
/// call becomes a description of a tensor. Nothing is looked up and nothing is executed; everything else is refused by name.
/// Values are null, bool, long, double, string, object?[] (a tuple), List of object? and the types of <see cref="PickleNames"/>.
/// </summary>
internal sealed class PickleMachine(string path, byte[] bytes)
{
    private const int Protocol = 2;
    private const int MostValues = 4_000_000;
    private readonly PickleCursor _cursor = new(path, bytes);
    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private readonly Dictionary<uint, object?> _memo = [];
    private int _values;

    private int Floor => _marks.Count == 0 ? 0 : _marks[^1];

    /// <summary>The one value that the stream describes.</summary>
    /// <exception cref="LoraOpsException">The stream is damaged, too large, or asks for something else than tensors and containers.</exception>
    public object? Run()
    {
        while (true)
        {
            var opcode = _cursor.Byte();
            if (opcode == (byte)'.')
                return Result();

            if (!Constant(opcode) && !Container(opcode) && !Memo(opcode) && !Symbol(opcode))
                throw new LoraOpsException(TorchProblems.PickleRefused(path, $"opcode 0x{opcode:X2} at byte {_cursor.Position - 1}"));
        }
    }

    private object? Result()
    {
        var value = Pop();
        return _stack.Count == 0 && _marks.Count == 0 && _cursor.IsAtEnd
            ? value
            : throw _cursor.Invalid("stops with values or bytes left over");
    }

    private bool Constant(byte opcode)
    {
        switch (opcode)
        {
            case 0x80: CheckProtocol(); return true;
            case (byte)'N': return Push(null);
            case 0x88: return Push(true);
            case 0x89: return Push(false);
            case (byte)'J': return Push(_cursor.Int32());
            case (byte)'K': return Push((long)_cursor.Byte());
            case (byte)'M': return Push(_cursor.UInt16());
            case 0x8A: return Push(_cursor.Long());
            case (byte)'G': return Push(_cursor.Double());
            case (byte)'X': return Push(_cursor.Text(_cursor.UInt32()));
            case (byte)'U': return Push(_cursor.Text(_cursor.Byte()));
            default: return false;
        }
    }

    private bool Container(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'}': return Push(new PickledDictionary());
            case (byte)']' or 0x8F: return Push(new List<object?>());
            case (byte)')': return Push(Array.Empty<object?>());
            case (byte)'(': _marks.Add(_stack.Count); return CountValue();
            case (byte)'t': return Push(PopMarked());
            case 0x85 or 0x86 or 0x87: return Push(PopLast(opcode - 0x84));
            case (byte)'a': AddItems(PopLast(1)); return true;
            case (byte)'e': AddItems(PopMarked()); return true;
            case (byte)'s': AddPairs(PopLast(2)); return true;
            case (byte)'u': AddPairs(PopMarked()); return true;
            case (byte)'d':
                var pairs = PopMarked();
                Push(new PickledDictionary());
                AddPairs(pairs);
                return true;
            default: return false;
        }
    }

    private bool Memo(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'q': _memo[_cursor.Byte()] = Peek(); return CountValue();
            case (byte)'r': _memo[_cursor.UInt32()] = Peek(); return CountValue();
            case (byte)'h': return Recall(_cursor.Byte());
            case (byte)'j': return Recall(_cursor.UInt32());
            default: return false;
        }
    }

    private bool Symbol(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'c': return Push(PickleNames.Global(path, _cursor.Line(), _cursor.Line()));
            case (byte)'Q': return Push(PickleNames.Storage(path, Pop()));
            case (byte)'R' or 0x81:
                var arguments = Pop();
                return Push(PickleNames.Call(path, Pop(), arguments));
            case (byte)'b':
                Pop();
                return Peek() is PickledDictionary ? true : throw new LoraOpsException(TorchProblems.PickleRefused(
                    path, "to set the state of something else than a dictionary"));
            default: return false;
        }
    }

    private void CheckProtocol()
    {
        if (_cursor.Byte() is var version and not Protocol)
            throw new LoraOpsException(TorchProblems.PickleRefused(path, $"protocol {version}; PyTorch saves with {Protocol}"));
    }

    private void AddItems(object?[] items)
    {
        if (Peek() is not List<object?> list)
            throw _cursor.Invalid("appends to something else than a list");

        list.AddRange(items);
    }

    private void AddPairs(object?[] pairs)
    {
        if (Peek() is not PickledDictionary dictionary || pairs.Length % 2 != 0)
            throw _cursor.Invalid("sets items of something else than a dictionary");

        for (var index = 0; index < pairs.Length; index += 2)
            dictionary.Items.Add((pairs[index], pairs[index + 1]));
    }

    private bool Recall(uint place) => _memo.TryGetValue(place, out var value)
        ? Push(value)
        : throw _cursor.Invalid($"recalls memo {place}, which was never kept");

    private bool Push(object? value)
    {
        _stack.Add(value);
        return CountValue();
    }

    private bool CountValue() => ++_values <= MostValues ? true : throw _cursor.Invalid($"makes more than {MostValues} values");

    private object? Peek() => _stack.Count > Floor ? _stack[^1] : throw _cursor.Invalid("takes a value where there is none");

    private object? Pop()
    {
        var value = Peek();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private object?[] PopLast(int count)
    {
        if (_stack.Count - count < Floor)
            throw _cursor.Invalid("takes values where there are none");

        object?[] values = [.. _stack[^count..]];
        _stack.RemoveRange(_stack.Count - count, count);
        return values;
    }

    private object?[] PopMarked()
    {
        if (_marks.Count == 0)
            throw _cursor.Invalid("takes values up to a mark where there is none");

        var values = PopLast(_stack.Count - Floor);
        _marks.RemoveAt(_marks.Count - 1);
        return values;
    }
}
