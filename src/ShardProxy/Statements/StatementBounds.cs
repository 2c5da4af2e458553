namespace ShardProxy.Statements;

/// <summary>
/// Finds the semicolons that end a statement: not those in parentheses (CREATE RULE … DO (…; …)) nor those in the body
/// BEGIN ATOMIC … END of CREATE FUNCTION and CREATE PROCEDURE. Fed token by token.
/// </summary>
internal sealed class StatementBounds
{
    private const int LargestKeptCount = 4096;

    private (int Start, int End)[] _statements = new (int, int)[1];
    private int _parentheses;
    private int _bodyDepth;
    private RoutineState _routine;
    private bool _open;

    /// <summary>How far the statement's first words lead to a routine's body.</summary>
    private enum RoutineState : byte
    {
        FirstWord,
        Create,
        CreateOr,
        CreateOrReplace,
        Routine,
        Begin,
        Body,
        NoRoutine,
    }

    public int Count { get; private set; }

    /// <summary>The words of the statement matter: call <see cref="OnWord"/> for each and <see cref="OnOther"/> for the rest.</summary>
    public bool WatchesWords => _routine != RoutineState.NoRoutine;

    /// <summary>No token has come since the last semicolon.</summary>
    public bool IsBetween => !_open;

    public (int Start, int End) this[int index] => index < Count ? _statements[index] : throw new ArgumentOutOfRangeException(nameof(index));

    public void Reset()
    {
        if (_statements.Length > LargestKeptCount)
            _statements = new (int, int)[1];
        Count = 0;
        _open = false;
    }

    public void Open(int start)
    {
        if (Count == _statements.Length)
            Array.Resize(ref _statements, Count * 2);
        _statements[Count] = (start, start);
        _open = true;
        _parentheses = 0;
        _bodyDepth = 0;
        _routine = RoutineState.FirstWord;
    }

    /// <param name="lastEnd">Where the statement's last token ends.</param>
    public void Close(int lastEnd)
    {
        if (!_open)
            return;
        _statements[Count++].End = lastEnd;
        _open = false;
    }

    public void OpenParenthesis() => _parentheses++;

    public void CloseParenthesis() => _parentheses = Math.Max(0, _parentheses - 1);

    /// <summary>A semicolon here ends the statement.</summary>
    public bool EndsAtSemicolon => _parentheses == 0 && _bodyDepth == 0;

    /// <param name="isName">It follows a dot or AS, so it is a name whatever it says.</param>
    public void OnWord(ReadOnlySpan<byte> lowerCaseWord, bool isName) => _routine = _routine switch
    {
        RoutineState.FirstWord when lowerCaseWord.SequenceEqual("create"u8) => RoutineState.Create,
        RoutineState.Create when lowerCaseWord.SequenceEqual("or"u8) => RoutineState.CreateOr,
        RoutineState.CreateOr when lowerCaseWord.SequenceEqual("replace"u8) => RoutineState.CreateOrReplace,
        RoutineState.Create or RoutineState.CreateOrReplace when IsRoutineWord(lowerCaseWord) => RoutineState.Routine,
        RoutineState.Begin when lowerCaseWord.SequenceEqual("atomic"u8) => EnterBody(),
        RoutineState.Routine or RoutineState.Begin when !isName && lowerCaseWord.SequenceEqual("begin"u8) => RoutineState.Begin,
        RoutineState.Routine or RoutineState.Begin => RoutineState.Routine,
        RoutineState.Body when !isName => OnBodyWord(lowerCaseWord),
        RoutineState.Body => RoutineState.Body,
        _ => RoutineState.NoRoutine,
    };

    public void OnOther() => _routine = _routine switch
    {
        RoutineState.Routine or RoutineState.Begin => RoutineState.Routine,
        RoutineState.Body => RoutineState.Body,
        _ => RoutineState.NoRoutine,
    };

    private static bool IsRoutineWord(ReadOnlySpan<byte> word) => word.SequenceEqual("function"u8) || word.SequenceEqual("procedure"u8);

    private RoutineState EnterBody()
    {
        _bodyDepth = 1;
        return RoutineState.Body;
    }

    private RoutineState OnBodyWord(ReadOnlySpan<byte> word)
    {
        if (word.SequenceEqual("case"u8))
            _bodyDepth++;
        else if (word.SequenceEqual("end"u8) && --_bodyDepth == 0)
            return RoutineState.Routine;
        return RoutineState.Body;
    }
}
