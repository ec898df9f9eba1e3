using Spectre.Console;

namespace LoraOps.Cli.Output;

/// <summary>The stages of a piece of work: bars on a terminal, a line each in a log.</summary>
internal sealed class Stages(ProgressContext? bars, TextWriter? log)
{
    private ProgressTask? _bar;

    /// <summary>Starts a stage; the one before it is done.</summary>
    /// <param name="name">What is being done, for people.</param>
    /// <param name="steps">How many <see cref="Advance"/> it will take; 0 if nobody knows.</param>
    public void Begin(string name, int steps = 0)
    {
        Finish();
        log?.WriteLine(PlainText.Printable(name));
        _bar = bars?.AddTask(Markup.Escape(PlainText.Printable(name)), maxValue: Math.Max(1, steps));
        if (_bar is not null)
            _bar.IsIndeterminate = steps == 0;
    }

    /// <summary>One step of the current stage is done.</summary>
    public void Advance() => _bar?.Increment(1);

    /// <summary>The current stage is done.</summary>
    public void Finish()
    {
        if (_bar is not null)
        {
            _bar.IsIndeterminate = false;
            _bar.Value = _bar.MaxValue;
        }
    }
}
